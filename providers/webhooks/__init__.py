"""The signature schemes of callbacks that several vendors share."""
