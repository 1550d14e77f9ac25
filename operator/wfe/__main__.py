"""`python -m wfe` is `wfe`."""

from wfe.hosts.cli import main

if __name__ == "__main__":
    main()
