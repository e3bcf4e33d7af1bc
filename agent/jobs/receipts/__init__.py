"""What advice has saved: minutes that count, what is kept between runs, and what is published."""
