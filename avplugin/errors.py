"""What can go wrong, with the exit status of each; caught once, in the command line."""


class AvpluginError(Exception):
    """Something a person has to look at. The message says what, where, and what to do."""

    exit_status = 1


class UsageError(AvpluginError):
    """The command was called with words that cannot be meant."""

    exit_status = 2


class NotNow(AvpluginError):  # noqa: N818 - it is no error: there is nothing to do at this moment
    """There is nothing to do at this moment; borgmatic calls exit status 75 a soft failure."""

    exit_status = 75
