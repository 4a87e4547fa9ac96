import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { AppRouterContext } from "next/dist/shared/lib/app-router-context.shared-runtime";
import { type ComponentProps, type ReactNode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { caseDetail } from "@/api/adapters";
import { ToastProvider } from "@/ui/toast";
import { wireCase } from "../../../test/examples";
import { VerdictPanel } from "./verdict-panel";

const router = { push: vi.fn() } as unknown as NonNullable<ComponentProps<typeof AppRouterContext.Provider>["value"]>;
const onNext = vi.fn();
const onReload = vi.fn(() => Promise.resolve());
let answer: () => Response;
let sent: { path: string; body: unknown }[];

beforeEach(() => {
  sent = [];
  vi.clearAllMocks();
  vi.stubGlobal("fetch", async (request: Request) => {
    sent.push({ path: new URL(request.url).pathname, body: await request.json() });
    return answer();
  });
});
afterEach(() => vi.unstubAllGlobals());

function show(version = 3) {
  const queries = new QueryClient();
  const wrap = ({ children }: { children: ReactNode }) => (
    <AppRouterContext value={router}>
      <QueryClientProvider client={queries}>
        <ToastProvider>{children}</ToastProvider>
      </QueryClientProvider>
    </AppRouterContext>
  );
  const panel = (v: number) => <VerdictPanel detail={caseDetail(wireCase({ version: v }))} onReload={onReload} onNext={onNext} />;
  const view = render(panel(version), { wrapper: wrap });
  return { changeTo: (v: number) => view.rerender(panel(v)) };
}

test("F and Enter give the verdict about the version on screen, then the next case comes", async () => {
  answer = () => Response.json(wireCase({ status: "closed", verdict: "fraud", version: 4 }));
  show();
  await userEvent.keyboard("f{Enter}");
  await waitFor(() => expect(onNext).toHaveBeenCalledOnce());
  expect(sent).toEqual([{ path: "/api/cases/cs-1/verdict", body: { verdict: "fraud", note: null, version: 3 } }]);
  expect(screen.getByText("Marked as fraud: 1 payment labelled")).toBeTruthy();
});

test("one key alone sends nothing, and Escape takes it back", async () => {
  show();
  await userEvent.keyboard("l");
  expect(screen.getByRole("button", { name: "Confirm legitimate" })).toBe(document.activeElement);
  await userEvent.keyboard("{Escape}");
  expect(screen.getByRole("button", { name: "Legitimate" })).toBeTruthy();
  expect(sent).toEqual([]);
});

test("keys are letters while a note is written, and the note goes with the verdict", async () => {
  answer = () => Response.json(wireCase({ status: "closed", verdict: "legitimate", version: 4 }));
  show();
  await userEvent.keyboard("mfull flat{Escape}ll");
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]?.body).toEqual({ verdict: "legitimate", note: "full flat", version: 3 });
});

test("a case that changes after the first key asks again", async () => {
  const { changeTo } = show(3);
  await userEvent.keyboard("f");
  changeTo(4);
  expect(screen.queryByRole("button", { name: "Confirm fraud" })).toBeNull();
  expect(sent).toEqual([]);
});

test("a stale verdict is explained and offers to reload", async () => {
  const problem = { type: "about:blank", title: "Conflict", status: 409, detail: "has changed", errors: [] };
  answer = () => Response.json(problem, { status: 409, headers: { "content-type": "application/problem+json" } });
  show();
  await userEvent.keyboard("ff");
  expect((await screen.findByRole("alert")).textContent).toContain("has changed");
  await userEvent.click(screen.getByRole("button", { name: "Reload" }));
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  expect(onReload).toHaveBeenCalledOnce();
  expect(onNext).not.toHaveBeenCalled();
});
