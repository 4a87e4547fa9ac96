import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { AppRouterContext } from "next/dist/shared/lib/app-router-context.shared-runtime";
import { type ComponentProps } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { caseDetail } from "@/api/adapters";
import { keys } from "@/api/keys";
import type { CaseStatus } from "@/api/model";
import { ToastProvider } from "@/ui/toast";
import { wireCase } from "../../../test/examples";
import { useNextCase } from "./use-queue";

const push = vi.fn();
const router = { push } as unknown as NonNullable<ComponentProps<typeof AppRouterContext.Provider>["value"]>;
const EMPTY = { type: "about:blank", title: "Not found", status: 404, detail: "no case", errors: [] };
let answer: () => Response;
let asked: string[];

beforeEach(() => {
  asked = [];
  vi.clearAllMocks();
  vi.stubGlobal("fetch", (request: Request) => {
    const { pathname, search } = new URL(request.url);
    asked.push(`${request.method} ${pathname}${search}`);
    return Promise.resolve(answer());
  });
});
afterEach(() => vi.unstubAllGlobals());

function Next({ leaving }: { leaving: string | null }) {
  const next = useNextCase(leaving);
  return <button onClick={() => next.mutate()}>Next</button>;
}

async function pressNext(leaving: string | null, status: CaseStatus = "open"): Promise<QueryClient> {
  const queries = new QueryClient();
  if (leaving !== null) queries.setQueryData(keys.case(leaving), caseDetail(wireCase({ case_id: leaving, status })));
  render(
    <AppRouterContext value={router}>
      <QueryClientProvider client={queries}>
        <ToastProvider><Next leaving={leaving} /></ToastProvider>
      </QueryClientProvider>
    </AppRouterContext>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Next" }));
  return queries;
}

test("the case on screen is named, and the one that the server reserved is opened", async () => {
  answer = () => Response.json(wireCase({ case_id: "cs-b" }));
  const queries = await pressNext("cs-a");
  await waitFor(() => expect(push).toHaveBeenCalledWith("/cases/cs-b"));
  expect(asked).toEqual(["POST /api/cases/next?leaving=cs-a"]);
  expect(queries.getQueryData(keys.case("cs-b"))).toMatchObject({ caseId: "cs-b" });
});

test("from the queue no case is left", async () => {
  answer = () => Response.json(wireCase({ case_id: "cs-a" }));
  await pressNext(null);
  await waitFor(() => expect(push).toHaveBeenCalledWith("/cases/cs-a"));
  expect(asked).toEqual(["POST /api/cases/next"]);
});

test("an open case stays on screen where no other one is free", async () => {
  answer = () => Response.json(EMPTY, { status: 404 });
  await pressNext("cs-a");
  expect(await screen.findByText("No other case is free.")).toBeTruthy();
  expect(push).not.toHaveBeenCalled();
});

test("after the last verdict the queue is shown, and that it is empty", async () => {
  answer = () => Response.json(EMPTY, { status: 404 });
  await pressNext("cs-a", "closed");
  expect(await screen.findByText("The queue is empty: no case is waiting.")).toBeTruthy();
  expect(push).toHaveBeenCalledWith("/");
});
