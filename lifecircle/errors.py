"""The errors a user sees: each names the file or layer, the value and one cure, in two languages."""

from lifecircle.messages import say


class LifecircleError(Exception):
    """Base of every error that lifecircle raises on purpose.

    Parameters
    ----------
    key
        The message, as ``"area.key"`` of ``catalog/messages``.
    **values
        What the message's placeholders stand for; another such error is told in the same language.
    """

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values

    def in_language(self, lang: str) -> str:
        """Return the message in `lang` (``"en"`` or ``"zh"``)."""
        told = {
            name: value.in_language(lang) if isinstance(value, LifecircleError) else value
            for name, value in self.values.items()
        }
        return say(self.key, lang, **told)

    def __str__(self) -> str:
        """Return the message in English."""
        return self.in_language("en")


class DataError(LifecircleError, ValueError):
    """The data or a setting is wrong: the message says where, which value, and what to do."""


class UnknownNameError(LifecircleError, KeyError):
    """A city, standard or service of that name does not exist."""


class FileError(LifecircleError, OSError):
    """A file or folder cannot be read or written."""


class FetchError(LifecircleError, OSError):
    """A download failed for good: the server refused, timed out, or sent something else."""
