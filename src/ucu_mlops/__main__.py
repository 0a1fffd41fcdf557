"""``python -m ucu_mlops``: this project's own commands, quicker to start than ``kedro``."""

from ucu_mlops.cli import main

if __name__ == "__main__":
    main()
