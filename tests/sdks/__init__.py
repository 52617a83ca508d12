"""The vendors' own clients against the sandbox. A client's failure is an error of the sandbox."""
