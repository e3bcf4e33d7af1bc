// Reads payloads as lines of hexadecimal digits and writes what the independent decoder makes of each, as a line of JSON.
const { createRequire } = require("module");
const path = require("path");
const readline = require("readline");

const wanted = createRequire(path.join(process.env.NODE_SPARKPLUG || process.cwd(), "package.json"));
const { decodePayload } = wanted("sparkplug-payload").get("spBv1.0");

const plain = (key, value) =>
  value !== null && typeof value === "object" && "low" in value && "high" in value && "unsigned" in value
    ? Number((BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0))
    : value;

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  console.log(JSON.stringify(decodePayload(Buffer.from(line, "hex")), plain));
});
