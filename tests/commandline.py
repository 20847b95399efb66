"""The command line, called in the process of the tests."""

from click.testing import CliRunner, Result

from pimchar import cli


def pimchar(*arguments: object) -> Result:
    """What ``pimchar`` with these arguments prints, and its exit code."""
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def printed(*arguments: object) -> str:
    """What ``pimchar`` prints where it must succeed."""
    result = pimchar(*arguments)
    assert result.exit_code == 0, result.output
    return result.output
