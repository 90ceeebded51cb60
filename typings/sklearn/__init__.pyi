# Here only so that sklearn.datasets, stubbed beside this file, can be found.
