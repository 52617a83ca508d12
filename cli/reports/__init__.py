"""How a terminal and a program are told what a command found."""
