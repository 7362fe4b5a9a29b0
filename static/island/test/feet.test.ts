import assert from "node:assert/strict";
import test from "node:test";
import { causeOf } from "../src/shell/feet";

test("of why a step failed the cause stands first, and how often it was tried last", () => {
  assert.equal(causeOf("Effect failed after 1 attempts: read_file: File not found: a.csv"), "File not found: a.csv");
  assert.equal(causeOf("Effect failed after 3 attempts: The service is busy."), "The service is busy. (3 attempts)");
  assert.equal(causeOf("Subworkflow 'part' failed: Effect failed after 1 attempts: web_request: no such host"), "no such host");
  assert.equal(causeOf("You said no: nothing was booked."), "You said no: nothing was booked.");
  assert.equal(causeOf("KeyError: 'total'"), "KeyError: 'total'");
});
