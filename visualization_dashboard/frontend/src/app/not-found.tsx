import Link from "next/link";

export default function NotFound() {
  return (
    <main className="flex h-dvh flex-col items-center justify-center gap-2">
      <h1 className="text-base font-semibold">There is no such page</h1>
      <Link href="/" className="text-[13px] text-accent underline underline-offset-2">
        Back to the queue
      </Link>
    </main>
  );
}
