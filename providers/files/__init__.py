"""The files of an order: fetches results and reads inputs."""
