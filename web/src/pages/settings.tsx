import { useQuery } from "@tanstack/react-query";
import { projectQuery } from "../api/queries";
import { PageHead, Tabs } from "../patterns/detail";
import { useFilters } from "../router/router";
import { Deliveries } from "./settings/deliveries";
import { Schedules } from "./settings/schedules";
import { Suppressions } from "./settings/suppressions";
import { Tokens } from "./settings/tokens";
import "./settings/settings.css";

const TABS = [
  { id: "schedules", label: "Schedules", part: Schedules },
  { id: "suppressions", label: "Suppressions and known failures", part: Suppressions },
  { id: "deliveries", label: "Alert deliveries", part: Deliveries },
  { id: "tokens", label: "API tokens", part: Tokens },
];

export default function SettingsPage() {
  const [filters] = useFilters();
  const role = useQuery(projectQuery()).data?.caller.role;
  const tabs = TABS.filter((tab) => tab.id !== "tokens" || role === "admin");
  const tab = tabs.find((candidate) => candidate.id === filters.get("tab")) ?? tabs[0];
  const Part = tab?.part ?? Schedules;
  return (
    <>
      <PageHead
        title="Settings"
        lead="Schedules and alerts are written in lockgate.yml; here they are watched, paused and started."
      />
      <Tabs tabs={tabs} current={tab?.id ?? ""} to={(id) => `/settings?tab=${id}`} />
      <Part />
    </>
  );
}
