"""What pumps have lost: references, what is kept between runs, what is published, and what it means as conditions."""
