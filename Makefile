# One command for each thing a person does here; every one installs what it needs into .venv.

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
EXTRA ?= opcua
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test install real-station operated scada faults-acquisition faults-store bench bench-dispatch bench-store bench-week bench-closed-loop bench-saving bench-curves bench-wear bench-headers bench-gaps bench-incremental bench-quality bench-anomalies bench-alarms bench-conditions schema lock clean

demo: .venv/demo  ## the whole product on a simulated station
	$(BIN)/pump-agent demo $(ARGS)

test: .venv/dev  ## every check: pytest, ruff, mypy, import-linter
	$(BIN)/pytest $(ARGS)

install: .venv/$(EXTRA)  ## the account, folders, unit and command of the service, as root; EXTRA=core leaves OPC UA out
	install -D -m 644 systemd/pump-agent.sysusers /etc/sysusers.d/pump-agent.conf
	install -D -m 644 systemd/pump-agent.tmpfiles /etc/tmpfiles.d/pump-agent.conf
	install -D -m 644 systemd/pump-agent.service /etc/systemd/system/pump-agent.service
	systemd-sysusers pump-agent.conf
	systemd-tmpfiles --create pump-agent.conf
	ln -sf $(CURDIR)/$(BIN)/pump-agent /usr/local/bin/pump-agent
	systemctl daemon-reload

real-station: .venv/dev  ## what must hold on a real station's recorded hour
	$(BIN)/python -m tests.acceptance.real_station $(ARGS)

operated: .venv/dev  ## advice of a running agent is withheld, followed, counted and rejected as promised; a quarter of an hour
	$(BIN)/python -m tests.acceptance.operated

scada: .venv/dev build/scada/node_modules  ## a real SCADA system, Node-RED, reads the JSON topics and acknowledges an alarm; needs node and npm
	$(BIN)/python -m tests.acceptance.scada

# Its lock has hashes and no address, as ours have: whoever installs chooses the registry.
build/scada/node_modules: tests/acceptance/nodered/package-lock.json
	@mkdir -p build/scada
	@cp tests/acceptance/nodered/package.json tests/acceptance/nodered/package-lock.json build/scada
	npm ci --prefix build/scada --omit=dev --ignore-scripts --no-audit --no-fund --silent
	@touch $@

faults-acquisition: .venv/dev  ## devices, buses, servers and clocks that misbehave: wrong values, seconds to bad and back
	$(BIN)/python -m tests.faults.acquisition

faults-store: .venv/dev  ## agents killed, disks full, damaged or standing still, brokers in trouble: readings lost, twice, out of order
	$(BIN)/python -m tests.faults.store $(ARGS)

bench: .venv/dev bench-store  ## a reading from poll to broker beside a bare loop, and how steady polling is
	$(BIN)/python -m tests.benchmarks.poll_to_broker $(ARGS)
	$(BIN)/python -m tests.benchmarks.jitter
	$(BIN)/python -m tests.benchmarks.opcua_items

bench-store: .venv/dev  ## appends, bytes a reading, sealing, reading back and import beside bare sqlite3
	$(BIN)/python -m tests.benchmarks.store

bench-week: .venv/dev  ## a week of 250 tags at 1 s, as fast as it goes: flat memory, and the disk that status foretold
	$(BIN)/python -m tests.benchmarks.week $(ARGS)

bench-curves: .venv/dev  ## curves of single pumps against true ones, by method; ARGS="--set design": the other half of the pumps
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.curves $(ARGS)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.metered_station

bench-headers: .venv/dev  ## pumps told apart by one flow meter of their header, over a month: each head curve against the true one; ARGS="--first 11 --seeds 6 --minutes 1"
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.header_only $(ARGS)

bench-wear: .venv/dev  ## wear and drifting meters on a simulated header: tracked, named, and how often in vain; 20 seeds take a while
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.wear $(ARGS)

bench-gaps: .venv/dev  ## gaps masked in real and simulated series: error, coverage and speed, by method and length
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.gaps $(ARGS)

bench-incremental: .venv/dev  ## a run of the quality and gaps jobs after 1, 7 and 30 days of log: CPU by new readings and gaps
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.incremental $(ARGS)

bench-quality: .venv/dev  ## faults put into good data: share found, by kind; false flags a tag and day; speed
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.quality $(ARGS)

bench-conditions: .venv/dev  ## conditions of pumps put into a simulated station: minutes to the right name, wrong names, false alarms in clean months
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.conditions $(ARGS)

bench-anomalies: .venv/dev  ## labelled recordings of a testbed: F1, false and missed alarms, microseconds a row
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.anomalies $(ARGS)

bench-alarms: .venv/dev  ## how long an alarm takes from the register to MQTT, alone, with 499 others, chattering, and beside 5,000 live tags
	$(BIN)/python -m tests.benchmarks.alarm_latency

bench-dispatch: .venv/dev  ## the optimisers: gaps, violations and processor time, with peers, and the next two in short; ARGS=20 instead of 200 stations
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.dispatch $(ARGS)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.closed_loop --days 2
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.measured_saving 12
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.expected_saving 12

bench-closed-loop: .venv/dev  ## the agent on a simulated station beside present operation, true curves and a clairvoyant; ARGS="--days 30 --seeds 1 --kind well"
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.closed_loop $(ARGS)

bench-saving: .venv/dev  ## how often the intervals of measured and of expected savings hold the true ones; ARGS="STATIONS FIRST"
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.measured_saving $(ARGS)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.expected_saving $(ARGS)

schema: .venv/dev  ## after a change of settings or payloads: write their JSON Schemas anew
	$(BIN)/pump-agent schema > config/station.schema.json
	$(BIN)/python -m agent.mqtt.schemas > docs/payloads.schema.json

# Hashes are checked and nothing but the lock decides what is installed. A stamp file says which lock is in.
.venv/%: requirements/%.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing what $< says into .venv; the first time this takes a minute or two"
	@$(PIP) --require-hashes -r $<
	@PYTHONWARNINGS=ignore $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

LOCK = $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --quiet

lock: .venv/dev  ## after a change of dependencies: write requirements/*.lock anew
	$(LOCK) --extra build -o requirements/core.lock
	$(LOCK) --extra build --extra opcua -o requirements/opcua.lock
	$(LOCK) --extra build --extra opcua --extra demo -o requirements/demo.lock
	$(LOCK) --all-extras -o requirements/dev.lock

clean:
	rm -rf .venv build *.egg-info
