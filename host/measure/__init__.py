"""An averaged trace to times with their standard errors. Pure: nothing here does I/O."""
