"""The plots: traces with markers, trend, histogram and pulse map."""
