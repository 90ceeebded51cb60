"""What a program is: errors, shapes, scalars, ops, the tape and the monad over it."""
