// What the clients in JavaScript share: commands are lines of JSON on standard input, answers lines on standard output.
// Each command is an object with `do`; each answer is an object, with `error` where the client threw.
//
// Node.js looks for packages where a script lies, and these lie elsewhere: `load` looks where it was started.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

export const load = createRequire(`${process.cwd()}/`);

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

// How long a call may be silent. Every word of progress renews it.
const PATIENCE = 6000;

export class Peer {
  changes = 0;
  progress = 0;
  questions = [];
  answer = { action: "cancel" };
  calls = [];
  waiting = [];

  changed() {
    this.changes += 1;
    for (const awake of this.waiting.splice(0)) awake();
  }

  asked(question) {
    this.questions.push(question);
    return this.answer;
  }

  async tools() {
    const tools = [];
    let cursor;
    do {
      const page = await this.client.listTools({ cursor });
      tools.push(...page.tools);
      cursor = page.nextCursor;
    } while (cursor);
    return tools;
  }

  options(signal) {
    const onprogress = () => (this.progress += 1);
    return { onprogress, resetTimeoutOnProgress: true, timeout: PATIENCE, signal };
  }

  async change(after, seconds) {
    const end = Date.now() + seconds * 1000;
    while (this.changes <= after && Date.now() < end) {
      await new Promise((awake) => {
        this.waiting.push(awake);
        setTimeout(awake, end - Date.now());
      });
    }
    if (this.changes <= after) throw new Error("no change was heard of");
  }

  async do(command) {
    switch (command.do) {
      case "list":
        return { tools: await this.tools() };
      case "call":
        return this.call(command.name, command.arguments ?? {});
      case "begin": {
        const abort = new AbortController();
        const call = this.call(command.name, command.arguments ?? {}, abort.signal);
        const ended = call.then(
          () => false,
          () => abort.signal.aborted,
        );
        this.calls.push({ abort, ended });
        await new Promise((awake) => setTimeout(awake, 50));
        return {};
      }
      case "cancel": {
        const { abort, ended } = this.calls.pop();
        abort.abort("not needed any more");
        return { cancelled: await ended };
      }
      case "answer":
        this.answer = command.answer;
        return {};
      case "heard":
        return { progress: this.progress, questions: this.questions };
      case "changes":
        return { changes: this.changes };
      case "wait_for_change":
        await this.change(command.after ?? 0, command.seconds ?? 10);
        return { changes: this.changes };
      default:
        throw new Error(`unknown command ${command.do}`);
    }
  }

  async obey(protocol) {
    say({ protocol });
    for await (const line of createInterface({ input: process.stdin })) {
      try {
        say(await this.do(JSON.parse(line)));
      } catch (error) {
        say({ error: `${error.name}: ${error.message}` });
      }
    }
    process.exit();
  }
}
