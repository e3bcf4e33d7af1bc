"""The specification that runs: mirrors the packages."""
