"""The errors of the session layer.

::

    SqlaSessionError
    ├── ConfigurationError
    ├── UnknownSessionKeyError (also a LookupError)
    └── NoSessionInScopeError  (also a RuntimeError)
"""


class SqlaSessionError(Exception):
    """Anything that this package raises of its own."""


class ConfigurationError(SqlaSessionError):
    """The settings do not make a working engine; the message names the key and the variable.

    Never holds a password: it names variables, not their values.
    """


class UnknownSessionKeyError(SqlaSessionError, LookupError):
    """No engine was started under this key; the message lists those that were."""


class NoSessionInScopeError(SqlaSessionError, RuntimeError):
    """A session dependency was used in an application without the session middleware."""
