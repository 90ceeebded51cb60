"""The vocabulary, one file a family: data, shape rule and meaning; no derivatives."""
