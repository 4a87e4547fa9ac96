import { cookies } from "next/headers";
import type { ReactNode } from "react";
import { readTheme, THEME_COOKIE } from "@/features/shell/theme";
import { TopBar } from "@/features/shell/top-bar";
import { Providers } from "./providers";

export default async function OfficerLayout({ children }: { children: ReactNode }) {
  const theme = readTheme((await cookies()).get(THEME_COOKIE)?.value);
  return (
    <Providers>
      <div className="flex h-dvh min-w-[60rem] flex-col">
        <TopBar theme={theme} />
        {children}
      </div>
    </Providers>
  );
}
