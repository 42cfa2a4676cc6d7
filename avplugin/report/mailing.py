"""Mails the outcome of each night once, as soon as it is known."""

from __future__ import annotations

import datetime

from avplugin.configuration.mail import MailServer
from avplugin.configuration.model import Configuration
from avplugin.errors import AvpluginError, NotNow
from avplugin.language import Texts
from avplugin.mail.error import MailError
from avplugin.mail.smtp import send
from avplugin.report.content import last_night, make_report
from avplugin.report.message import make_message
from avplugin.report.nights import deadline, night_of
from avplugin.report.which_night import night_to_tell
from avplugin.state.files import Locked
from avplugin.state.mailed import MailedFile
from avplugin.status.gather import gather

_DAY = datetime.timedelta(days=1)


def mail_report(
    configuration: Configuration,
    now: datetime.datetime,
    texts: Texts,
    language: str,
    *,
    at_once: bool,
) -> datetime.date:
    """Send the outcome of the night that is over and was not told yet; return which it was.

    `at_once` sends that of the last night in any case. Raise NotNow if there is none to send yet,
    AvpluginError if it could not be sent: the next start tries again.
    """
    server = _server(configuration)
    mailed = MailedFile(configuration.state)
    try:
        with mailed.alone():
            night = _night(configuration, mailed, now, at_once=at_once)
            report = make_report(configuration, now, night)
            recipients = configuration.report.mail_to
            message = make_message(report, texts, language, server.sender, recipients)
            try:
                send(server, message)
            except MailError as error:
                if error.delivered:  # to the others, who must not get it again and again
                    mailed.note(night, now.isoformat(timespec="seconds"))
                raise
            mailed.note(night, now.isoformat(timespec="seconds"))
            return night
    except Locked as error:
        raise NotNow("another avplugin is mailing just now.") from error


def _server(configuration: Configuration) -> MailServer:
    if not configuration.report.mail_to or configuration.mail is None:
        raise AvpluginError(
            f"{configuration.file} does not say who gets mail.\n"
            "Write 'report: {mail_to: [naam@kantoor.nl]}' and, under 'mail', the mail server."
        )
    return configuration.mail


def _night(
    configuration: Configuration, mailed: MailedFile, now: datetime.datetime, *, at_once: bool
) -> datetime.date:
    last = None if at_once else mailed.last()
    tonight = night_of(now, None)
    if not at_once and last is not None and last > tonight + _DAY:
        # A clock that was ahead: nights until then must not go by in silence.
        last = tonight - _DAY
    if not at_once and last is None:
        # Nobody was to be told of the nights before: the first is the one that ends next.
        at = configuration.report.at
        last = tonight if now >= deadline(tonight, at) else tonight - _DAY
        mailed.note(last, "")
    status = gather(configuration, now)
    if at_once:
        return last_night(status, configuration.report.at)
    night = night_to_tell(configuration, status, last)
    if night is None:
        raise NotNow("the outcome of the night is not known yet, or was mailed already.")
    return night
