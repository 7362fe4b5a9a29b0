import assert from "node:assert/strict";
import test from "node:test";
import { readMoment, writeMoment } from "../src/model/moment";

test("a date keeps the form that it had", () => {
  for (const text of ["2030-01-31", "2030-01-31T09:00", "2030-01-31T09:00:15", "2030-01-31T09:00Z", "2030-01-31T09:00:00+02:00"]) {
    const moment = readMoment(text)!;
    assert.equal(writeMoment(moment, moment.value), text);
  }
  assert.deepEqual(readMoment("2030-01-31"), { kind: "date", value: "2030-01-31", zone: "" });
  assert.equal(writeMoment(readMoment("2030-01-31T09:00+02:00")!, "2031-02-01T10:30"), "2031-02-01T10:30+02:00");
});

test("an empty one may be chosen, and emptied again", () => {
  assert.deepEqual(readMoment(" "), { kind: "datetime-local", value: "", zone: "" });
  assert.equal(writeMoment(readMoment("2030-01-31T09:00Z")!, ""), undefined);
});

test("what is no date, or no such day, stays a text", () => {
  for (const text of ["tomorrow", "31.1.2030", "2030-13-31", "2030-01-31T25:00", "{{due}}", "2030-01-31T09:00:00.123456"]) assert.equal(readMoment(text), null, text);
});
