import type { ReactNode, SVGProps } from "react";

function icon(paths: ReactNode) {
  return function Icon({ className = "", ...rest }: SVGProps<SVGSVGElement>) {
    return (
      <svg
        viewBox="0 0 16 16"
        fill="none"
        stroke="currentColor"
        strokeWidth={1.5}
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
        className={`shrink-0 ${className.includes("size-") ? "" : "size-4"} ${className}`}
        {...rest}
      >
        {paths}
      </svg>
    );
  };
}

export const CheckIcon = icon(<path d="m3.5 8.5 3 3 6-7" />);
export const KeyIcon = icon(<><circle cx="5.5" cy="10.5" r="2.75" /><path d="m7.5 8.5 5-5m-2 2 2 2" /></>);
export const EyeIcon = icon(<><path d="M1.75 8S4 3.75 8 3.75 14.25 8 14.25 8 12 12.25 8 12.25 1.75 8 1.75 8Z" /><circle cx="8" cy="8" r="1.75" /></>);
export const BanIcon = icon(<><circle cx="8" cy="8" r="5.75" /><path d="m4 4 8 8" /></>);
export const ClockIcon = icon(<><circle cx="8" cy="8" r="5.75" /><path d="M8 4.75V8l2.25 1.5" /></>);
export const WarningIcon = icon(<><path d="M8 2.25 14.25 13H1.75L8 2.25Z" /><path d="M8 6.5v3M8 11.25v.01" /></>);
export const CopyIcon = icon(<><rect x="5.5" y="5.5" width="8" height="8" rx="1.5" /><path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2" /></>);
export const PauseIcon = icon(<path d="M5.5 3.5v9m5-9v9" />);
export const PlayIcon = icon(<path d="M5 3.25v9.5L12.5 8 5 3.25Z" />);
export const ArrowLeftIcon = icon(<path d="M13 8H3m4-4L3 8l4 4" />);
export const ArrowRightIcon = icon(<path d="M3 8h10M9 4l4 4-4 4" />);
export const SunIcon = icon(<><circle cx="8" cy="8" r="2.75" /><path d="M8 1.5v1.25m0 10.5v1.25M1.5 8h1.25m10.5 0h1.25M3.4 3.4l.9.9m7.4 7.4.9.9m0-9.2-.9.9m-7.4 7.4-.9.9" /></>);
export const MoonIcon = icon(<path d="M13.25 9.5A5.5 5.5 0 0 1 6.5 2.75a5.5 5.5 0 1 0 6.75 6.75Z" />);
export const ScreenIcon = icon(<><rect x="2" y="3" width="12" height="8" rx="1.25" /><path d="M6 13.5h4" /></>);
export const KeyboardIcon = icon(<><rect x="1.75" y="4" width="12.5" height="8" rx="1.5" /><path d="M4.5 6.75h.01m2.32 0h.01m2.32 0h.01m2.32 0h.01M5.5 9.5h5" /></>);
export const InboxIcon = icon(<><path d="M2 9.5 4 3.25h8L14 9.5v3.25H2V9.5Z" /><path d="M2 9.5h3.5L6.5 11h3l1-1.5H14" /></>);
export const LockIcon = icon(<><rect x="3.5" y="7" width="9" height="6.5" rx="1.25" /><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2" /></>);
export const CloseIcon = icon(<path d="m4 4 8 8m0-8-8 8" />);
export const PulseIcon = icon(<path d="M1.5 8.5h3l2-5 3 9 2-4h3" />);
