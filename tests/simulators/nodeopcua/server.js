// An OPC UA server that nobody here wrote: node-opcua's. Arguments: port, folder for its own certificates.
// Prints where it listens and its certificate, and ends with its standard input.
const path = require("path");
const { createRequire } = require("module");
const wanted = createRequire(path.join(process.env.NODE_OPCUA || process.cwd(), "package.json"));
const opcua = wanted("node-opcua-server");
const { DataType, Variant, standardUnits } = { ...wanted("node-opcua-variant"), ...wanted("node-opcua-data-access") };

async function main() {
  const folder = process.argv[3];
  const pki = new (wanted("node-opcua-certificate-manager").OPCUACertificateManager)({
    rootFolder: folder, automaticallyAcceptUnknownCertificate: process.argv[4] === "trusting",
  });
  await pki.initialize();
  const server = new opcua.OPCUAServer({
    port: Number(process.argv[2]),
    hostname: "127.0.0.1",
    resourcePath: "/works",
    serverCertificateManager: pki,
    userManager: { isValidUser: (user, password) => user === "pump" && password === "open sesame" },
    allowAnonymous: true,
  });
  await server.initialize();
  const space = server.engine.addressSpace.getOwnNamespace();
  const works = space.addFolder("ObjectsFolder", { browseName: "Works" });
  const started = Date.now();
  space.addVariable({
    componentOf: works, browseName: "Counter", nodeId: "s=counter", dataType: "Double", minimumSamplingInterval: 50,
    value: { get: () => new Variant({ dataType: DataType.Double, value: Math.floor((Date.now() - started) / 100) }) },
  });
  space.addAnalogDataItem({
    componentOf: works, browseName: "Flow", nodeId: "s=flow", dataType: "Double",
    engineeringUnitsRange: { low: 0, high: 500 }, engineeringUnits: standardUnits.bar,
    value: { dataType: DataType.Double, value: 36.5 },
  });
  space.addVariable({
    componentOf: works, browseName: "Mode", nodeId: "s=mode", dataType: "String",
    value: { dataType: DataType.String, value: "auto" },
  });
  await server.start();
  console.log(server.getEndpointUrl());
  console.log(server.getCertificate().toString("base64"));
}

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
main().catch((error) => { console.error(error); process.exit(1); });
