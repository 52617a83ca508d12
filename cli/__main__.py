"""`python -m cli`: runs the command without its console script."""

from cli.main import main

if __name__ == "__main__":
    main()
