"""A capture as text and as a picture."""
