"""``python -m ucu_mlops`` is ``kedro`` for this project."""

from ucu_mlops.cli import main

if __name__ == "__main__":
    main()
