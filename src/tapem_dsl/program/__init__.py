"""Programs: their instructions, the combinators, and the loop that runs them."""
