import { forward, UpstreamRefused } from "@/server/upstream";

// A rewrite in next.config would be fixed when the image is built; this handler reads its target at run time.
export const dynamic = "force-dynamic";

interface Context {
  params: Promise<{ path: string[] }>;
}

async function handle(request: Request, context: Context): Promise<Response> {
  const { path } = await context.params;
  try {
    return await forward(request, path);
  } catch (error) {
    if (!(error instanceof UpstreamRefused)) throw error;
    const { status, title, message: detail } = error;
    return Response.json(
      { type: "about:blank", title, status, detail, errors: [] },
      { status, headers: { "content-type": "application/problem+json", "cache-control": "no-store" } },
    );
  }
}

export { handle as GET, handle as POST };
