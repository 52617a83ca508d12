"""`python -m cli`: the command without its script."""

from cli.main import main

if __name__ == "__main__":
    main()
