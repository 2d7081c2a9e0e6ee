-- Part: defines the function with which a step begins a lease. It returns the fence.
-- Fences rise across lives and failovers, because they begin at the clock.
-- Needs clock
-- Sets asked, last_fence
-- Gives lease
local function lease(ms)
  last_fence = math.max(last_fence + 1, clock)
  local fence = string.format('%.0f', last_fence)
  asked = {fence = fence, ms = tonumber(ms), deadline = string.format('%.0f', clock + ms)}
  return fence
end
