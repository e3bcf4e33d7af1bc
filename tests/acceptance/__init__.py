"""What must hold on a real station's recording, measured and printed; see `make real-station`."""
