// Node-RED without its editor: it runs the flow and serves the pages that the flow has.
module.exports = {
  uiHost: "127.0.0.1",
  uiPort: Number(process.env.SCADA_PORT),
  httpAdminRoot: false,
  telemetry: { enabled: false, updateNotification: false },
  diagnostics: { enabled: false },
  logging: { console: { level: "info", metrics: false, audit: false } },
};
