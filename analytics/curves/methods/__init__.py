"""Ways to learn one pump's curves from its own meters, behind one protocol, and how to choose among them."""
