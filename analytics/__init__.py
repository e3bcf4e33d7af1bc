"""The mathematics: arrays in, dataclasses out; no I/O and no clock.

Units are the plant's own everywhere in this package: flow m³/h, head m, pressure m of water,
power kW (electrical unless a name says otherwise), energy kWh, speed relative to the rated
speed (1.0), efficiency 0 to 1, time in milliseconds since the epoch (UTC) in names ending in
``_ms`` and seconds elsewhere. Readings are converted to them at one door, `agent.station`.
"""
