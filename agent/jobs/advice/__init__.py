"""What the advice for a header rests on: what is asked of it, what forbids it, and how it is said."""
