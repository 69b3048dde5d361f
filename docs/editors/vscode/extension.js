// Starts `snnc lsp` and lets VS Code talk with it. All that is known of the language is known there.
const { commands, window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  const command = workspace.getConfiguration("snn").get("path") || "snnc";
  client = new LanguageClient(
    "snn",
    "snn",
    { command, args: ["lsp"] },
    { documentSelector: [{ language: "snn", scheme: "file" }, { language: "snn", scheme: "untitled" }] },
  );
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    window.showErrorMessage(`snn: cannot start \`${command} lsp\` (${error.message}). The setting snn.path names the binary.`);
  }
}

async function stop() {
  const running = client;
  client = undefined;
  await running?.stop();
}

exports.activate = async (context) => {
  const restart = async () => {
    await stop();
    await start();
  };
  context.subscriptions.push(
    commands.registerCommand("snn.restart", restart),
    workspace.onDidChangeConfiguration((e) => e.affectsConfiguration("snn.path") && restart()),
  );
  await start();
};

exports.deactivate = stop;
