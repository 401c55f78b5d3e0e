"""What is read and turned around the plots."""
