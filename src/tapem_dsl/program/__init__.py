"""What a program can say, how it is built, and the loop that runs it."""
