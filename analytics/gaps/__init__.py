"""Gap filling, one file a method: estimates of what nobody measured, each with an honest standard deviation."""
