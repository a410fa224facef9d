"""Where the log of a running IOC goes."""

import logging


def log_to_stderr(*, verbose: bool) -> None:
    """Send what snapioc has to say, and the warnings of the libraries, to standard error with time and level."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("snapioc").setLevel(logging.DEBUG if verbose else logging.INFO)
    if verbose:
        logging.getLogger("caproto").setLevel(logging.INFO)
