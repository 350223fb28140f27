// The whole path of fine-tuning with the official SDK for Node: upload, create, wait, result file, chat, delete.
import fs from "node:fs";
import OpenAI, { toFile } from "openai";

const client = new OpenAI();
const content = fs.readFileSync(process.argv[2]);
const file = await client.files.create({ file: await toFile(content, "marv.jsonl"), purpose: "fine-tune" });
let job = await client.fineTuning.jobs.create({ model: "gpt-4o-mini", training_file: file.id, suffix: "node" });
while (!["succeeded", "failed", "cancelled"].includes(job.status)) job = await client.fineTuning.jobs.retrieve(job.id);
const events = [];
for await (const event of client.fineTuning.jobs.listEvents(job.id)) events.push(event.message);
const result = await (await client.files.content(job.result_files[0])).text();
const rows = Buffer.from(result, "base64").toString().trim().split("\n");
const messages = [{ role: "user", content: "What do bees make?" }];
const answer = await client.chat.completions.create({ model: job.fine_tuned_model, messages });
const deleted = await client.models.delete(job.fine_tuned_model);
console.log(JSON.stringify({
  status: job.status, first: events.at(-1), last: events[0], rows: rows.length,
  said: answer.choices[0].message.content, deleted: deleted.deleted,
}));
