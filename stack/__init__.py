"""The whole system on one machine: embedded services and application processes, as children of this process."""
