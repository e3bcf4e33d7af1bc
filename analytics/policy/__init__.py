"""A policy learnt by trial on the station's model, and the judgement it must pass before it may advise."""
