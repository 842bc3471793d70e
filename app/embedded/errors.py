"""What can go wrong while the single-machine service is started or kept running."""


class EmbeddedError(Exception):
    """The embedded service cannot start or go on; the message is for the person who ran it."""


class HomeInUseError(EmbeddedError):
    """Another instance holds this directory."""
