"""What each command does; one module a command, loaded when it is called and not before."""
