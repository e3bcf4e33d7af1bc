"""Which header's pumps fill the tank, or empty the well: the one that a schedule plans."""

from agent.plant import HeaderSettings
from agent.settings import AgentSettings


def serving(settings: AgentSettings) -> tuple[HeaderSettings, ...]:
    """The header that the tank names; all of them where it names none."""
    tank = settings.tank
    named = None if tank is None else tank.header
    return tuple(header for header in settings.headers if named in {None, header.id})
