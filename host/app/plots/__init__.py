"""What is drawn: traces, markers, trend, pulse map."""
